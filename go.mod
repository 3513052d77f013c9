module example.com/pool2d

go 1.26.0

module peers/reverseproxy

go 1.22

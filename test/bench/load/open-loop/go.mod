module load/openloop

go 1.22

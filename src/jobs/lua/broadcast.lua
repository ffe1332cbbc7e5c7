-- broadcast: the record of one, and its counts. ARGV id count...
-- Returns {{v, b, st, at, nc, cu, rd, rs, ra, sn, pr, cl, pt, fs, ls}, {counts...}}
local b = P .. 'b:' .. ARGV[1]
return {call('HMGET', b, 'v', 'b', 'st', 'at', 'nc', 'cu', 'rd', 'rs', 'ra', 'sn', 'pr', 'cl', 'pt', 'fs', 'ls'),
    call('HMGET', P .. 'bc:' .. ARGV[1], unpack(ARGV, 2))}

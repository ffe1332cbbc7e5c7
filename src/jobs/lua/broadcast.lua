-- broadcast: the record of one, and its counts. ARGV id count...
-- Returns {{v, b, st, at, nc, cu, rd, rs, ra, sn, pr, cl, pt}, {counts...}}
return {call('HMGET', P .. 'b:' .. ARGV[1], 'v', 'b', 'st', 'at', 'nc', 'cu', 'rd', 'rs', 'ra', 'sn', 'pr', 'cl', 'pt'),
    call('HMGET', P .. 'bc:' .. ARGV[1], unpack(ARGV, 2))}

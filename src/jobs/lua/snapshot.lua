-- snapshot: chunks of people meant by a broadcast that is being accepted. Until the commit that makes the
-- broadcast they are kept for ten minutes: what is never accepted goes by itself.
-- ARGV list (chunk number, lines)...
local key = P .. 'bl:' .. ARGV[1]
call('HSET', key, unpack(ARGV, 2))
call('PEXPIRE', key, 600000)
return #ARGV

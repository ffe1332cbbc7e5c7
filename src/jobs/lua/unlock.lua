-- unlock: lets go of a lock, unless its time ran out meanwhile and it is somebody else's. ARGV key owner
if call('GET', P .. ARGV[1]) == ARGV[2] then return call('DEL', P .. ARGV[1]) end
return 0

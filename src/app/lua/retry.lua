-- retry: a callback that waits for its next try is tried now. ARGV lane sequence audit
-- Returns "ok" | "busy" (a try is under way) | "none" (it waits for nothing). Asked again it says "ok" again.
local lane, seq = ARGV[1], ARGV[2]
if call('LINDEX', P .. 'l:cb:' .. lane, 0) ~= seq then return 'none' end
if call('HEXISTS', P .. 'k:cb', lane) == 1 then return 'busy' end
if call('EXISTS', P .. 'cb:' .. seq) == 0 then return 'none' end
make_ready('cb', lane, math.floor(now_us() / 1000))
call('XADD', P .. 'au', '*', 'b', ARGV[3])
call('PUBLISH', 'crewline:wake', P .. 'cb')
return 'ok'

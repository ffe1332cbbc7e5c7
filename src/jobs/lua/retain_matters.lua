-- retain_matters: drops matters, unless they changed meanwhile. ARGV for each: ref, version as read ("0": there is
-- none, its place in the index alone goes). Returns how many are gone.
local gone = 0
for i = 1, #ARGV, 2 do
    local ref = ARGV[i]
    if (call('HGET', P .. 'y:' .. ref, 'v') or '0') == ARGV[i + 1] then
        call('UNLINK', P .. 'y:' .. ref)
        call('ZREM', P .. 'yl', ref)
        if string.sub(ref, 1, 2) == 'a:' then call('ZREM', P .. 'ya', string.sub(ref, 3)) end
        gone = gone + 1
    end
end
return gone

-- retain_matters: drops what nobody has touched since. Returns how many.
-- ARGV before_ms most
local old = call('ZRANGEBYSCORE', P .. 'yl', '-inf', '(' .. ARGV[1], 'LIMIT', '0', ARGV[2])
for i = 1, #old do
    call('UNLINK', P .. 'y:' .. old[i])
    if string.sub(old[i], 1, 2) == 'a:' then call('ZREM', P .. 'ya', string.sub(old[i], 3)) end
end
if #old > 0 then call('ZREM', P .. 'yl', unpack(old)) end
return #old

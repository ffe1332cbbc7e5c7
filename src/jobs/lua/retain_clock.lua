-- retain_clock: notes that somebody looks for what is too old, in rt. Returns {1 if nobody has for `gap` ms before, 1 while
-- nothing is dropped: for `frozen` ms from then}. ARGV now_ms gap frozen
local now, gap, frozen = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local had = call('HMGET', P .. 'rt', 'at', 'free')
local free, news = tonumber(had[2] or 0), had[1] and now > tonumber(had[1]) + gap
if news then free = now + frozen end
if free > now + frozen then free = 0 end -- the clock was set right
call('HSET', P .. 'rt', 'at', int(now), 'free', int(free))
return {news and 1 or 0, now < free and 1 or 0}

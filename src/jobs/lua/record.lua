-- record: fields of a message. ARGV id field...   Reads only. Returns their values, false where there is none
return fields_of(ARGV[1], unpack(ARGV, 2))

-- message: ours behind a provider's message id. ARGV hash   Returns its id, or nothing.
return message_of(ARGV[1]) or false

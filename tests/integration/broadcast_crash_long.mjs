#!/usr/bin/env node
// A broadcast to 5,000 through 30 kills.
process.env.PEOPLE ??= '5000'
process.env.KILLS ??= '30'
await import('./broadcast_crash.mjs')

/**
 * The one script of the Redis store. It keeps the same levels as the memory store does (see `meter.ts`), in whole numbers
 * below 2^53, which Lua counts exactly; what they mean for the caller is worked out outside.
 *
 * KEYS: one an operation. ARGV, five an operation: mode (`c`onsume, `p`eek, `r`efund; a capital letter begins a list, which is one
 * step), what the cost adds to the level, the full level, what drains each ms (0: a window), and how long a window's record is kept,
 * in ms. Answer, three an operation: 1 if it passes, the level afterwards, the level it was decided on. Of a list whose keys hold
 * something else: -1, what Redis says, 0; the other lists are as if it were not there.
 *
 * A bucket lasts for the ms that drain it and one more, and holds the parts that drain in none of them: so Redis counts down its level
 * (measured: a fifth less of Redis's time than with the ms written down, which needs the time and a text to be taken apart).
 * A window holds what is used of it.
 */
import { hash } from 'node:crypto'

export const ARGS_AN_OPERATION = 5
export const ANSWERS_AN_OPERATION = 3

export const SCRIPT = `
local call = redis.call

local function read(key, per_ms)
  if per_ms == 0 then return tonumber(call('GET', key)) or 0 end
  local left = call('PTTL', key)
  if left == -2 then return 0 end
  -- Fails for what is not text: that is somebody else's.
  local parts = tonumber(call('GET', key)) or 0
  return math.max(0, left - 1) * per_ms + math.min(parts, per_ms - 1)
end

local function write(key, level, per_ms, kept_ms)
  if level == 0 then
    call('DEL', key)
  elseif per_ms == 0 then
    call('SET', key, string.format('%.0f', level), 'PX', kept_ms)
  else
    local ms = math.floor(level / per_ms)
    call('SET', key, level - ms * per_ms, 'PX', ms + 1)
  end
end

-- A bucket emptier than empty is from before the clock stepped back.
local function clamp(level, full, per_ms)
  if per_ms > 0 and level > full then return full end
  return level
end

-- Whether it passes, and the level afterwards.
local function decide(mode, added, full, level)
  if mode == 'r' then return 1, math.max(0, level - added) end
  if added > full - level then return 0, level end
  return 1, mode == 'c' and level + added or level
end

-- The number of an operation's first argument, less one.
local function at(n)
  return (n - 1) * ${ARGS_AN_OPERATION}
end

local answer = {}
local function tell(n, passes, level, before)
  answer[3 * n - 2], answer[3 * n - 1], answer[3 * n] = passes, level, before
end

local function apply_one(n)
  local key, full, per_ms = KEYS[n], tonumber(ARGV[at(n) + 3]), tonumber(ARGV[at(n) + 4])
  local stored = read(key, per_ms)
  local before = clamp(stored, full, per_ms)
  local passes, level = decide(string.lower(ARGV[at(n) + 1]), tonumber(ARGV[at(n) + 2]), full, before)
  if level ~= stored then write(key, level, per_ms, ARGV[at(n) + 5]) end
  tell(n, passes, level, before)
end

local function apply(first, last)
  local stored, levels, all_pass = {}, {}, true
  for n = first, last do
    local key, full, per_ms = KEYS[n], tonumber(ARGV[at(n) + 3]), tonumber(ARGV[at(n) + 4])
    if not levels[key] then
      stored[key] = read(key, per_ms)
      levels[key] = clamp(stored[key], full, per_ms)
    end
    local before = levels[key]
    local passes, level = decide(string.lower(ARGV[at(n) + 1]), tonumber(ARGV[at(n) + 2]), full, before)
    if passes == 0 then all_pass = false end
    levels[key] = level
    tell(n, passes, level, before)
  end
  for n = first, last do
    local key, per_ms = KEYS[n], tonumber(ARGV[at(n) + 4])
    if not all_pass then
      levels[key] = clamp(stored[key], tonumber(ARGV[at(n) + 3]), per_ms)
      answer[3 * n - 1] = levels[key]
    end
    if levels[key] ~= stored[key] then
      write(key, levels[key], per_ms, ARGV[at(n) + 5])
      stored[key] = levels[key]
    end
  end
end

local first = 1
while first <= #KEYS do
  local last = first
  while last < #KEYS and ARGV[at(last + 1) + 1] > 'Z' do last = last + 1 end
  local done, failure
  if last == first then
    done, failure = pcall(apply_one, first)
  else
    done, failure = pcall(apply, first, last)
  end
  if not done then
    local text = type(failure) == 'table' and failure.err or failure
    for n = first, last do tell(n, -1, text, 0) end
  end
  first = last + 1
end
return answer
`

/** What EVALSHA knows the script by. */
export const SCRIPT_SHA1: string = hash('sha1', SCRIPT)

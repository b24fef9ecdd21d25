-- Questions to a responder. The first argument says how they are made:
--   GET FILE              one path per line, one after the other and round again
--   POST PATH TYPE FILE   one question per line in hex, likewise
--   PATTERN PATH TYPE QUESTION PLACES OFFSET ANSWER
--                         one question in hex, of which PLACES (offset:length,offset:length) are random each time; every answer must have
--                         ANSWER (hex) at that offset, or counts as refused
-- What was measured is printed as JSON on the last line.

local requests, count, index = {}, 0, 0
local threads = {}
refused = 0

local function unhex(text)
  return (text:gsub("%x%x", function(octet) return string.char(tonumber(octet, 16)) end))
end

local function askInTurn()
  index = index % count + 1
  return requests[index]
end

local function read(file, toRequest)
  for line in io.lines(file) do
    count = count + 1
    requests[count] = toRequest(line)
  end
  request = askInTurn
end

-- The octets of a question between its random places, headers before the first.
local function askAnew(path, type, question, places)
  local whole = wrk.format("POST", path, { ["Content-Type"] = type }, question)
  local parts, lengths, from = {}, {}, 1
  for offset, length in places:gmatch("(%d+):(%d+)") do
    local start = #whole - #question + offset + 1
    parts[#parts + 1] = whole:sub(from, start - 1)
    lengths[#lengths + 1] = tonumber(length)
    from = start + length
  end
  local rest, random = whole:sub(from), assert(io.open("/dev/urandom", "rb"))
  local pieces = {}
  request = function()
    for i = 1, #parts do
      pieces[2 * i - 1] = parts[i]
      pieces[2 * i] = random:read(lengths[i])
    end
    pieces[2 * #parts + 1] = rest
    return table.concat(pieces)
  end
end

local function demand(offset, expected)
  response = function(status, headers, body)
    if body:sub(offset + 1, offset + #expected) ~= expected then refused = refused + 1 end
  end
end

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  if args[1] == "PATTERN" then
    askAnew(args[2], args[3], unhex(args[4]), args[5])
    demand(tonumber(args[6]), unhex(args[7]))
  elseif args[1] == "POST" then
    local headers = { ["Content-Type"] = args[3] }
    read(args[4], function(line) return wrk.format("POST", args[2], headers, unhex(line)) end)
  else
    read(args[2], function(line) return wrk.format("GET", line) end)
  end
end

function done(summary, latency)
  local errors, refusals = summary.errors, 0
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  for _, thread in ipairs(threads) do refusals = refusals + thread:get("refused") end
  io.write(string.format('{"requests":%d,"octets":%d,"microseconds":%d,"failed":%d,"refused":%d,"p50Us":%f,"p99Us":%f}\n',
    summary.requests, summary.bytes, summary.duration, failed, refusals, latency:percentile(50), latency:percentile(99)))
end

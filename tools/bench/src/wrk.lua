-- Questions to an OCSP responder, one after the other and round again. Arguments: POST and a path, then a file with one question per
-- line in hex; or GET and a file with one path per line. What was measured is printed as JSON on the last line.

local requests, count, index = {}, 0, 0

local function unhex(text)
  return (text:gsub("%x%x", function(octet) return string.char(tonumber(octet, 16)) end))
end

function init(args)
  local headers = { ["Content-Type"] = "application/ocsp-request" }
  local isPost = args[1] == "POST"
  for line in io.lines(args[#args]) do
    count = count + 1
    if isPost then
      requests[count] = wrk.format("POST", args[2], headers, unhex(line))
    else
      requests[count] = wrk.format("GET", line)
    end
  end
end

function request()
  index = index % count + 1
  return requests[index]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('{"requests":%d,"octets":%d,"microseconds":%d,"failed":%d,"p50Us":%f,"p99Us":%f}\n', summary.requests,
    summary.bytes, summary.duration, failed, latency:percentile(50), latency:percentile(99)))
end

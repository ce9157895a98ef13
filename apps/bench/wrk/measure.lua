-- Arguments: the number of octets of JSON to POST; 0 for a GET.
-- Prints one line of JSON at the end, behind what wrk prints itself.
function init(args)
  local bytes = tonumber(args[1])
  if bytes > 0 then
    local opening = '{"text":"'
    local closing = '"}'
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    wrk.body = opening .. string.rep("a", bytes - #opening - #closing) .. closing
  end
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"requests":%d,"durationUs":%d,"octets":%d,"broken":%d,"refused":%d,"p50Us":%d,"p99Us":%d}',
    summary.requests,
    summary.duration,
    summary.bytes,
    errors.connect + errors.read + errors.write + errors.timeout,
    errors.status,
    latency:percentile(50),
    latency:percentile(99)
  ))
end

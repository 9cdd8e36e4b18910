-- The requests of a round, by users in turn, and its figures as JSON: METHOD BODY_BYTES AUTHORIZATION...
local made = {}
local next = 0

function init(arguments)
  local method = table.remove(arguments, 1)
  local bytes = tonumber(table.remove(arguments, 1))
  local body = bytes > 0 and string.rep("u", bytes) or nil
  for index, authorization in ipairs(arguments) do
    local headers = { Authorization = authorization }
    if body then headers["Content-Type"] = "application/octet-stream" end
    made[index] = wrk.format(method, nil, headers, body)
  end
end

function request()
  next = next % #made + 1
  return made[next]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"elapsedMs":%f,"p50Ms":%f,"p99Ms":%f,"failed":%d}\n',
    summary.requests, summary.duration / 1000, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end

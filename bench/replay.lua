-- For wrk: sends the requests of the file REQUESTS one after the other, and says how it went in one line of JSON.
local requests, at = {}, 0
local file = assert(io.open(os.getenv("REQUESTS"), "rb"))
for text in file:read("*a"):gmatch("[^%z]+") do requests[#requests + 1] = text end
file:close()

function request()
    at = at % #requests + 1
    return requests[at]
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format('{"requests":%d,"us":%d,"p50":%d,"p99":%d,"refused":%d,"broken":%d}\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
        errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end

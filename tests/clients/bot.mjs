// What a bot in node does. The tests put a client's code before it: the lines that `keygate config ccxt-js` prints,
// or, without a gateway, `direct`.
import ccxt from 'ccxt';

// A client of the exchange itself. told: {exchange, base, settings}
export const direct = ({ exchange, base, settings }) => {
    const through = (url) => {
        if (typeof url === 'string') {
            return url.replace(/^https?:\/\/[^/]+/, () => base);
        }
        const entries = Object.entries(url ?? {}).map(([name, value]) => [name, through(value)]);
        return url && Object.fromEntries(entries);
    };
    const client = new ccxt[exchange](settings);
    client.urls.api = through(client.urls.api);
    return client;
};

// An error's class and all it descends from.
const classes = (error) => {
    const names = [];
    for (let at = error.constructor; at?.name; at = Object.getPrototypeOf(at)) {
        names.push(at.name);
    }
    return names;
};

// Takes the steps {call, args, remember} and prints one line of JSON for each. A step may name the id that an
// earlier one remembered: "$name".
export const drive = async (client, steps) => {
    const remembered = {};
    const lookUp = (argument) =>
        (typeof argument === 'string' && argument.startsWith('$') ? remembered[argument.slice(1)] : argument);
    client.enableRateLimit = false;
    for (const { call, args = [], remember } of steps) {
        try {
            const answer = await client[call](...args.map(lookUp));
            if (remember) {
                remembered[remember] = answer.id;
            }
            console.log(JSON.stringify({ call, answer }));
        } catch (error) {
            console.log(JSON.stringify({ call, error: classes(error), message: error.message }));
        }
    }
    await client.close?.();
};

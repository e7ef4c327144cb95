// A bot in node: does what the command line says with ccxt and prints one line of JSON per step.
//   node bot.mjs EXCHANGE < {"bases": {exchange: url}, "key": "...", "secret": "...", "steps": [...]}
import ccxt from 'ccxt';
import { readFileSync } from 'node:fs';

const exchange = process.argv[2];
const told = JSON.parse(readFileSync(0, 'utf8'));

const through = (url) => {
    if (typeof url === 'string') {
        return url.replace(/^https?:\/\/[^/]+/, () => told.bases[exchange]);
    }
    const entries = Object.entries(url ?? {}).map(([name, value]) => [name, through(value)]);
    return url && Object.fromEntries(entries);
};

const client = new ccxt[exchange]({ apiKey: told.key, secret: told.secret, enableRateLimit: false });
client.urls.api = through(client.urls.api);

// An error's class and all it descends from.
const classes = (error) => {
    const names = [];
    for (let at = error.constructor; at?.name; at = Object.getPrototypeOf(at)) {
        names.push(at.name);
    }
    return names;
};

const remembered = {};
const lookUp = (argument) =>
    (typeof argument === 'string' && argument.startsWith('$') ? remembered[argument.slice(1)] : argument);

for (const { call, args = [], remember } of told.steps) {
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

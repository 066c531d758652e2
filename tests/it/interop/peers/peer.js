// The peer in Node.js, with gearmanode. What peers do stands in ../peers.rs.
'use strict';
const gearman = require('gearmanode');

const [mode, host, portText, countText] = process.argv.slice(2);
const [port, count] = [Number(portText), Number(countText)];
const reversed = (bytes) => Buffer.from(bytes).reverse();

function work() {
    const worker = gearman.worker({ host, port });
    worker.addFunction('reverse', (job) => job.workComplete(reversed(job.payload)));
    worker.addFunction('talks', (job) => {
        job.sendWorkData('one');
        job.reportStatus(1, 2);
        job.reportWarning('careful');
        job.sendWorkData('two');
        job.reportStatus(2, 2);
        job.workComplete('three');
    });
    worker.addFunction('throws', (job) => job.reportException('boom'));
    worker.addFunction('fails', (job) => job.reportError());
}

const client = mode === 'work' ? undefined : gearman.client({ host, port });

// Submits a job; what it was told until its end, an event after the other.
function told(name, body, options) {
    return new Promise((resolve) => {
        const job = client.submitJob(name, body, options);
        const events = [];
        let result;
        const end = () => resolve({ events, result, handle: job.handle });
        job.on('workData', (data) => events.push(`data ${data}`));
        job.on('warning', (data) => events.push(`warning ${data}`));
        job.on('status', (status) => events.push(`status ${status.percent_done_num}/${status.percent_done_den}`));
        job.on('exception', (text) => { events.push(`exception ${text}`); end(); });
        job.on('failed', () => { events.push('fail'); end(); });
        job.on('complete', () => {
            result = job.response;
            events.push(`complete ${result.length > 100 ? '' : result}`);
            end();
        });
    });
}

// Submits a job; the job, once the server has taken it.
function created(name, body, options) {
    return new Promise((resolve) => {
        const job = client.submitJob(name, body, options);
        job.on('created', () => resolve(job));
    });
}

// What the server says of a background job.
function status(job) {
    return new Promise((resolve) => {
        job.once('status', resolve);
        job.getStatus();
    });
}

const modes = {
    verbs: async () => {
        for (const priority of ['NORMAL', 'HIGH', 'LOW']) {
            const { result } = await told('reverse', 'abc', { priority });
            console.log(`${priority.toLowerCase()} ${result}`);
        }
        for (const name of ['talks', 'throws', 'fails']) {
            console.log(`${name} ${(await told(name, 'x')).events.join('|')}`);
        }
    },
    many: async () => {
        const bodies = Array.from({ length: count }, (_, i) => `job ${i}`);
        const ends = await Promise.all(bodies.map((body) => told('reverse', body)));
        const whole = ends.filter(({ result }, i) => reversed(bodies[i]).equals(result));
        console.log(whole.length);
    },
    large: async () => {
        const body = Buffer.from(Array.from({ length: count }, (_, i) => i % 251));
        const { result } = await told('reverse', body);
        console.log(result && reversed(body).equals(result) ? 'whole' : 'damaged');
    },
    background: async () => {
        const numbers = Array.from({ length: count }, (_, i) => `${i}`);
        const jobs = await Promise.all(numbers.map((body) => created('reverse', body, { background: true })));
        console.log(new Set(jobs.map((job) => job.handle)).size);
    },
    coalesce: async () => {
        const one = () => created('nobody', 'x', { background: true, unique: 'same' });
        const jobs = await Promise.all([one(), one()]);
        console.log(jobs[0].handle === jobs[1].handle ? 'one job' : 'two jobs');
    },
    status: async () => {
        const { known, running } = await status(await created('nobody', 'x', { background: true }));
        const job = await created('reverse', 'x', { background: true });
        while ((await status(job)).known);
        console.log(`${known && !running ? 'waiting' : 'wrong'}, done`);
    },
};

if (mode === 'work') {
    work();
} else {
    modes[mode]().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
}

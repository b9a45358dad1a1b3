import { parseArgs } from "node:util";
import { shortenIds } from "./shorten-ids.ts";
import { simulate } from "./simulate.ts";

// `node test/simulation/main.ts --seed N [--verbose]`: plays one simulated life, and tells it line by line.
// `node test/simulation/main.ts --from N --count N`: plays many.

const { values } = parseArgs({
	options: {
		seed: { type: "string" },
		from: { type: "string", default: "1" },
		count: { type: "string", default: "100" },
		verbose: { type: "boolean", default: false },
	},
});

const first = Number(values.seed ?? values.from);
const last = values.seed === undefined ? first + Number(values.count) - 1 : first;
const startedMs = performance.now();
const tally = new Map<string, number>();
let failed = 0;
for (let seed = first; seed <= last; seed += 1) {
	const names = new Map<string, string>();
	const tell = (line: string): void => {
		process.stdout.write(`${shortenIds(line, names)}\n`);
	};
	const verdict = await simulate({ seed, ...(values.verbose ? { tell } : {}) });
	for (const [what, times] of verdict.tally) tally.set(what, (tally.get(what) ?? 0) + times);
	if (verdict.violations.length === 0) continue;
	failed += 1;
	process.stdout.write(`seed ${seed} fails; node test/simulation/main.ts --seed ${seed} --verbose\n`);
	for (const { promise, sentence } of verdict.violations.slice(0, 5)) {
		process.stdout.write(`  ${promise}: ${shortenIds(sentence, names).slice(0, 400)}\n`);
	}
}
for (const [what, times] of [...tally].sort()) process.stdout.write(`${times}\t${what}\n`);
const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
process.stdout.write(`${last - first + 1} seeds, ${failed} failed, ${seconds} s\n`);
process.exitCode = failed === 0 ? 0 : 1;

import { writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { archives } from "./archives/archives.ts";
import { backup } from "./backup.ts";
import { downtime } from "./downtime.ts";
import { latency } from "./latency.ts";
import type { Bench, Row } from "./measure.ts";
import { rescan } from "./rescan.ts";
import { start } from "./start.ts";
import { describeTable } from "./table.ts";

// `npm run bench [-- NAME…] [-- --json FILE]`: measures, prints one table, and writes docs/benchmarks.md when all were run.

// The backup comes last: the disk is busy with its gigabytes for a while after it.
const benches: readonly Bench[] = [start, latency, rescan, downtime, archives, backup];

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: "string" } } });
const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name));
if (unknown.length > 0) {
	process.stderr.write(
		`error: no benchmark is called ${unknown.join(", ")}; there are ${benches.map(({ name }) => name).join(", ")}\n`,
	);
	process.exit(2);
}

const ending = new AbortController();
process.once("SIGINT", () => ending.abort());
const wanted = benches.filter((bench) => positionals.length === 0 || positionals.includes(bench.name));
const results: { bench: string; about: string; rows: Row[] }[] = [];
for (const bench of wanted) {
	process.stderr.write(`${bench.name}: ${bench.about} …\n`);
	results.push({ bench: bench.name, about: bench.about, rows: await bench.run(ending.signal) });
}

// The mean over the last five minutes: what shared the machine belongs to the numbers.
const load = (loadavg()[1] ?? 0).toFixed(1);
const machine = `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}, ${(totalmem() / 1e9).toFixed(0)} GB, Node ${process.version}, load ${load}`;
const table = describeTable(results.flatMap(({ rows }) => rows));
process.stdout.write(`${machine}\n\n${table}\n`);
if (values.json !== undefined)
	writeFileSync(values.json, `${JSON.stringify({ machine, results }, null, "\t")}\n`);
if (wanted.length === benches.length) writeFileSync(benchmarksPage(), describePage());

function benchmarksPage(): string {
	return fileURLToPath(new URL("../../docs/benchmarks.md", import.meta.url));
}

function describePage(): string {
	const about = results.map(({ bench, about: text }) => `- **${bench}**: ${text}.`).join("\n");
	return `# Benchmarks\n\nMade by \`npm run bench\` on ${machine}, ${new Date().toISOString().slice(0, 10)}. Trust the ratios: a load above the number of processors means that other work shared them.\n\n${table}\n\n${about}\n`;
}

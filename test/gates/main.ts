import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gates } from "./gates.ts";
import { runGate } from "./run-gate.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
let failed = 0;
for (const gate of gates) {
	const verdict = await runGate(gate, root, AbortSignal.timeout(300_000));
	process.stdout.write(
		`${verdict.passed ? "✔" : "✖"} ${gate.name} ${(verdict.durationMs / 1000).toFixed(1)} s\n`,
	);
	if (!verdict.passed) {
		failed += 1;
		process.stdout.write(`${verdict.output}\n`);
	}
}
process.stdout.write(`check: ${gates.length - failed} gates green, ${failed} red\n`);
process.exitCode = failed === 0 ? 0 : 1;

import { writeFileSync } from "node:fs";
import { run } from "../../lab/process/run.ts";
import { findRestic } from "../../lab/provision/unpack-restic.ts";
import { askRestic } from "./ask-restic.ts";
import { makeHistories, wishes } from "./histories.ts";

// `node test/retention/forget/main.ts` asks the real restic and writes golden.json, which forget.test.ts compares Davit's chooser with.

const signal = AbortSignal.timeout(30 * 60_000);
const { stdout } = await run([await findRestic(signal), "version"], { signal });
const answers: Record<string, readonly (readonly number[])[]> = {};
for (const history of makeHistories()) {
	answers[history.name] = await askRestic(history, wishes, signal);
	process.stderr.write(`${history.name}: ${history.times.length} snapshots\n`);
}
const lines = Object.entries(answers).map(
	([name, kept]) =>
		`\t\t${JSON.stringify(name)}: [\n${kept.map((one) => `\t\t\t${JSON.stringify(one)}`).join(",\n")}\n\t\t]`,
);
const text = `{\n\t"restic": ${JSON.stringify(stdout.trim())},\n\t"kept": {\n${lines.join(",\n")}\n\t}\n}\n`;
writeFileSync(new URL("./golden.json", import.meta.url), text);

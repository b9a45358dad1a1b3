// The demo's program: keeps a diary and a counter in the folder it is given, a line a second, as a small application would.
import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";

const folder = process.argv[2] ?? "/data";
mkdirSync(`${folder}/pages`, { recursive: true });
let count = readCount();

setInterval(() => {
	count += 1;
	const line = `${new Date().toISOString()} entry ${count}\n`;
	appendFileSync(`${folder}/diary.txt`, line);
	writeFileSync(`${folder}/pages/${count % 100}.txt`, line);
	writeFileSync(`${folder}/counter.new`, `${count}\n`);
	renameSync(`${folder}/counter.new`, `${folder}/counter`);
}, 1000);

for (const signal of ["SIGTERM", "SIGINT", "disconnect"]) process.on(signal, () => process.exit(0));

function readCount() {
	try {
		return Number(readFileSync(`${folder}/counter`, "utf8")) || 0;
	} catch {
		return 0;
	}
}

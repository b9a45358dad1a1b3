import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, open, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bench, percentile, type Row } from "./measure.ts";
import { runDavit } from "./run-davit.ts";

const repeats = 3;

export const backup: Bench = {
	name: "backup",
	about: `a 1 GB folder (500 MB random, 500 MB of text, 10,000 small files), ${repeats} times in turn with \`tar | zstd -1 -T2\`, warm cache, medians; Davit's time includes hashing, reading back and proving the archive`,
	async run(signal) {
		const workshop = await mkdtemp(join(tmpdir(), "davit-bench-backup-"));
		const folder = join(workshop, "folder");
		await makeCorpus(folder);
		const davitSeconds: number[] = [];
		const peerSeconds: number[] = [];
		let archiveBytes = 0;
		const peer = join(workshop, "peer.tar.zst");
		{
			await using davit = await runDavit([folder], signal);
			for (let count = 0; count < repeats; count += 1) {
				peerSeconds.push(await timed(() => tarZstd(folder, peer)));
				davitSeconds.push(await timed(() => davit.davit("backup", `path:${folder}`)));
			}
			const listed = JSON.parse(await davit.davit("list", "archives", "--json"));
			archiveBytes = Number(listed.items[0].bytes);
		}
		const peerBytes = (await stat(peer)).size;
		await rm(workshop, { recursive: true });
		return rowsOf({ davitSeconds, peerSeconds, archiveBytes, peerBytes });
	},
};

interface Measured {
	readonly davitSeconds: readonly number[];
	readonly peerSeconds: readonly number[];
	readonly archiveBytes: number;
	readonly peerBytes: number;
}

function rowsOf({ davitSeconds, peerSeconds, archiveBytes, peerBytes }: Measured): Row[] {
	const davit = percentile(davitSeconds, 0.5);
	const peer = percentile(peerSeconds, 0.5);
	const speed = (seconds: number) => `${seconds.toFixed(1)} s`;
	return [
		{
			...{
				measure: "backup of 1 GB, verified",
				value: speed(davit),
				peer: `tar \\| zstd -1 -T2: ${speed(peer)}`,
			},
			...{ goal: `ratio ${(peer / davit).toFixed(2)} (≥ 0.8 comes with the next issue)`, met: undefined },
		},
		{
			measure: "its archive",
			...{ value: `${(archiveBytes / 1e6).toFixed(0)} MB`, peer: `${(peerBytes / 1e6).toFixed(0)} MB` },
			...{ goal: "", met: undefined },
		},
	];
}

async function timed(work: () => Promise<unknown>): Promise<number> {
	const startedAtMs = performance.now();
	await work();
	return (performance.now() - startedAtMs) / 1000;
}

async function tarZstd(folder: string, target: string): Promise<void> {
	await using file = await open(target, "w");
	const tar = spawn("tar", ["--create", "--file", "-", "--directory", folder, "."], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	const zstd = spawn("zstd", ["-1", "-T2", "--quiet", "--stdout"], { stdio: ["pipe", file.fd, "inherit"] });
	if (zstd.stdin === null) throw new Error("zstd has no input");
	tar.stdout.pipe(zstd.stdin);
	const [[tarCode], [zstdCode]] = await Promise.all([once(tar, "exit"), once(zstd, "exit")]);
	if (tarCode !== 0 || zstdCode !== 0) throw new Error(`tar ended with ${tarCode}, zstd with ${zstdCode}`);
	await file.sync();
}

/** The same bytes in every run, apart from the random part. */
async function makeCorpus(folder: string): Promise<void> {
	await mkdir(join(folder, "small"), { recursive: true });
	const random = randomBytes(50_000_000);
	for (let part = 0; part < 10; part += 1)
		await writeFile(
			join(folder, `random-${part}`),
			random.map((byte) => byte ^ part),
		);
	const words = ["davit", "boat", "lower", "raise", "crane", "ship", "rope", "block", "winch", "deck"];
	for (let part = 0; part < 10; part += 1) {
		const lines: string[] = [];
		for (let line = 0; line < 550_000; line += 1) {
			const seed = (line * 2_654_435_761 + part * 40_503) >>> 0;
			lines.push(
				`${seed.toString(36)} ${words[seed % 10]} ${words[(seed >>> 8) % 10]} ${seed} ${line} ${words[(seed >>> 16) % 10]} ${seed ^ 0x5f5f5f5f}`,
			);
		}
		await writeFile(join(folder, `text-${part}.log`), lines.join("\n"));
	}
	for (let count = 0; count < 10_000; count += 1) {
		await writeFile(join(folder, "small", `file-${count}.json`), JSON.stringify({ count, words }));
	}
}

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { run } from "../../lab/process/run.ts";
import { findRestic } from "../../lab/provision/unpack-restic.ts";
import type { History, Wish } from "./histories.ts";

const Forgotten = z.array(z.object({ keep: z.array(z.object({ time: z.string() })).nullable() }));
/** Snapshots that are written at a time; restic's locks let several write. */
const atOnce = 2;

/** What the real `restic forget --dry-run` keeps of a history for each wish: places in `times`, rising. */
export async function askRestic(
	{ zone, times }: History,
	wishes: readonly Wish[],
	signal: AbortSignal,
): Promise<readonly (readonly number[])[]> {
	const program = await findRestic(signal);
	const folder = await mkdtemp(join(tmpdir(), "davit-forget-"));
	try {
		const [repository, source] = [join(folder, "repository"), join(folder, "source")];
		await mkdir(source);
		const environment = { PATH: "/usr/bin:/bin", HOME: folder, TZ: zone, RESTIC_PASSWORD: "p" };
		const restic = (...words: string[]) =>
			run([program, "--repo", repository, "--no-cache", "--json", ...words], { env: environment, signal });
		await restic("init");
		await writeFile(join(source, "file"), "the same each time");
		const left = [...times];
		const write = async (): Promise<void> => {
			for (let time = left.shift(); time !== undefined; time = left.shift()) {
				await restic("backup", "--time", localTime(time, zone), "--host", "nas", source);
			}
		};
		await Promise.all(Array.from({ length: atOnce }, write));
		const answers: number[][] = [];
		for (const { flags } of wishes) {
			const { stdout } = await restic("forget", "--dry-run", "--group-by", "", ...flags);
			const [group] = Forgotten.parse(JSON.parse(stdout));
			const kept = (group?.keep ?? []).map(({ time }) => new Date(time).toISOString());
			answers.push(kept.map((time) => times.indexOf(time)).toSorted((one, other) => one - other));
		}
		return answers;
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/** As `--time` takes it: by the clocks of the zone. */
function localTime(time: string, zone: string): string {
	const parts = new Intl.DateTimeFormat("sv-SE", {
		...{ timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" },
		...{ hour: "2-digit", minute: "2-digit", second: "2-digit" },
	}).format(new Date(time));
	return parts.replace("T", " ");
}

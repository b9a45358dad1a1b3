import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { Portrait } from "./portray-tree.ts";

/** What came out when the code of the day restored it, and what its manifest said. */
export const Expected = z.object({
	outcome: z.enum(["succeeded", "partial"]),
	entries: z.int(),
	contentBytes: z.int(),
	warnings: z.array(z.string()),
	losses: z.array(z.string()),
	tree: z.array(Portrait),
});

export interface GoldenArchive extends z.infer<typeof Expected> {
	/** Of the format, `v1`. */
	readonly version: string;
	readonly archive: string;
	readonly folder: string;
	/** A secret of nobody's, that opens it; undefined where it is not encrypted. */
	readonly identity: string | undefined;
}

const golden = import.meta.dirname;

/** Every golden archive of every version. */
export function findGolden(): readonly GoldenArchive[] {
	return readdirSync(golden)
		.filter((version) => existsSync(join(golden, version, "archives")))
		.flatMap((version) => {
			const parent = join(golden, version, "archives", "volume-grafana");
			const identityFile = join(golden, version, "identity.txt");
			return readdirSync(parent).map((name) => {
				const archive = name.slice(-10);
				const text = readFileSync(join(golden, version, `${archive}.expected.json`), "utf8");
				const isSealed = existsSync(join(parent, name, "content.tar.zst.age"));
				const identity = isSealed ? readFileSync(identityFile, "utf8").split("\n")[1] : undefined;
				return {
					version,
					archive,
					folder: join(parent, name),
					identity,
					...Expected.parse(JSON.parse(text)),
				};
			});
		});
}

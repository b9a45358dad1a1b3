import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

const sources = {
	"page.css": {
		type: "text/css; charset=utf-8",
		urls: ["elements.css", "states.css", "parts.css", "circumstances.css"].map(ownFile),
	},
	"page.js": { type: "text/javascript; charset=utf-8", urls: [ownFile("page.js")] },
	"idiomorph.js": {
		type: "text/javascript; charset=utf-8",
		urls: [new URL(import.meta.resolve("idiomorph/dist/idiomorph.min.js"))],
	},
} as const;

type AssetName = keyof typeof sources;

/** The page's own files, addressed by what they hold, so that a browser may keep them for ever. */
export interface Assets {
	/** Names this set of files; a page with another one is from another Davit. */
	readonly build: string;
	/** Seen from the served root. */
	path(name: AssetName): string;
	find(build: string, name: string): { readonly type: string; readonly text: string } | undefined;
}

export async function readAssets(): Promise<Assets> {
	const hash = createHash("sha256");
	const files = new Map<string, { type: string; text: string }>();
	for (const [name, { urls, type }] of Object.entries(sources)) {
		const texts = await Promise.all(urls.map((url) => readFile(url, "utf8")));
		const text = texts.join("");
		hash.update(text);
		files.set(name, { type, text });
	}
	const build = hash.digest("hex").slice(0, 12);
	return {
		build,
		path: (name) => `assets/${build}/${name}`,
		find: (asked, name) => (asked === build ? files.get(name) : undefined),
	};
}

function ownFile(name: string): URL {
	return new URL(`assets/${name}`, import.meta.url);
}

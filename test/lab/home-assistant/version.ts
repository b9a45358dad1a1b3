/** The oldest and the newest that Davit is tried against. */
export type HomeAssistantVersion = "2025.1.4" | "2026.11.0";

export type Recipe = {
	/** Debian suite whose Python it runs on, in a root of its own; undefined: the machine's own Python 3.12. */
	readonly suite: string | undefined;
	readonly python: string;
	/** Requirements without an upper bound move on and break old releases: nothing younger than this day is taken. */
	readonly resolvedUntil: string | undefined;
	/** Pinned versions that have no wheel for that Python; newer ones spare a compiler. */
	readonly overrides: readonly string[];
	/** Where the address and port of its page are configured: in its YAML, or (from 2026.8) in its storage. */
	readonly portIn: "configuration" | "storage";
};

export const recipes = {
	"2025.1.4": {
		suite: undefined,
		python: "python3.12",
		resolvedUntil: "2025-02-15",
		overrides: [],
		portIn: "configuration",
	},
	"2026.11.0": {
		suite: "forky",
		python: "python3.14",
		resolvedUntil: undefined,
		overrides: ["lru-dict>=1.4", "pymicro-vad>=2", "pyspeex-noise>=2"],
		portIn: "storage",
	},
} as const satisfies Record<HomeAssistantVersion, Recipe>;

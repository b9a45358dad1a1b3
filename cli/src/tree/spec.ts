/** One command as it is typed, helped with, completed and documented. */
export interface CommandSpec {
	/** `backup`, `schedule add` … */
	readonly name: string;
	readonly aliases?: readonly string[];
	/** As in `<address...>` or `[run]`. */
	readonly words: string;
	readonly summary: string;
	readonly options?: readonly OptionSpec[];
	readonly examples: readonly string[];
	/** It watches runs: `--json` ends in one result line, also on failure. */
	readonly runs?: boolean;
	/** What `--json` prints, by the schema's name. */
	readonly documents: readonly string[];
}

export interface OptionSpec {
	/** As in `--host <name>`; `...` at the end lets it be repeated. */
	readonly flags: string;
	readonly summary: string;
}

/** Of everything that watches a run. */
export const watching: readonly OptionSpec[] = [
	{ flags: "--detach", summary: "print the run's id and go; it goes on" },
	{ flags: "--timeout <duration>", summary: "stop waiting after 90s, 10m, 2h …; the run goes on (exit 9)" },
];

export interface Failure {
	/** What happened, for a person. */
	readonly meaning: string;
	/** What to do next, one line. */
	readonly advice: string;
	/** Whether the same request may be tried again unchanged. */
	readonly retryable: boolean;
	/** How the `davit` command ends (docs/cli.md). */
	readonly exitCode: 1 | 2 | 3 | 4 | 6 | 7 | 8 | 10 | 11 | 12 | 130;
}

/** Unless said otherwise it exits with 1 and is not to be tried again unchanged. */
export const failure = (
	meaning: string,
	advice: string,
	{ exitCode = 1, retryable = false }: Partial<Pick<Failure, "exitCode" | "retryable">> = {},
): Failure => ({ meaning, advice, retryable, exitCode });

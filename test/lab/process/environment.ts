/** The environment the laboratory itself was started with: the one place where it is read. */
export function ownEnvironment(): Readonly<Record<string, string | undefined>> {
	return process.env;
}

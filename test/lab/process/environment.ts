/** The environment the laboratory itself was started with: the one place where it is read. */
export function ownEnvironment(): Readonly<Record<string, string | undefined>> {
	// biome-ignore lint/style/noProcessEnv: this is that one place
	return process.env;
}

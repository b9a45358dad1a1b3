/** A project of which nothing may be stored in plain text that opens something. */
export interface SplitProject {
	/** The rendered project without a secret in it. */
	readonly plain: unknown;
	/** Every value that was taken out. */
	readonly secrets: readonly string[];
}

const secretName =
	/pass|passwd|pwd|secret|token|credential|private|api_?key|access_?key|auth|salt|dsn|cert|_key$|^key$/i;
const credentialsInUrl = /:\/\/[^/\s:@]*:([^/\s@]+)@/;
/** Long and mixed, as only keys are. */
const keyShaped = /^(?!\/)(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9+/=_-]{24,}$/;
/** A shorter one would take half the file with it wherever it occurs. */
const shortestToFind = 4;

export const removed = "removed by Davit: it is in secrets.age";

/** Whether a variable of that name and value looks like a secret. */
export function looksSecret(name: string, value: string): boolean {
	if (value === "") return false;
	return secretName.test(name) || credentialsInUrl.test(value) || keyShaped.test(value);
}

/** Values that look secret in lines of NAME=value. */
export function secretsInLines(text: string): string[] {
	return text.split("\n").flatMap((line) => {
		const [, name = "", quoted = ""] =
			/^\s*(?:export\s+)?([A-Za-z_][\w.]*)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
		const value = quoted.replace(/^(["'])(.*)\1$/, "$2");
		return looksSecret(name, value) ? [value] : [];
	});
}

/** Takes every value that looks secret, or that is known to be, out of a rendered project, wherever it occurs. */
export function splitSecrets(rendered: unknown, known: readonly string[]): SplitProject {
	const found = new Set(known);
	collect(rendered, top, found);
	const secrets = [...found].filter((value) => value !== "");
	const long = secrets.filter((value) => value.length >= shortestToFind);
	return { plain: replace(rendered, top, long), secrets };
}

/** Whether one of the secrets stands in a text. */
export function holdsSecret(text: string, secrets: readonly string[]): boolean {
	return secrets.some((secret) => secret.length >= shortestToFind && text.includes(secret));
}

function collect(value: unknown, place: Place, found: Set<string>): void {
	if (typeof value === "string") {
		const [, inUrl] = credentialsInUrl.exec(value) ?? [];
		if (inUrl !== undefined) found.add(inUrl);
		else if (place.isVariable && looksSecret(place.name, value)) found.add(value);
		const [, name = "", rest = ""] = /^([A-Za-z_]\w*)=(.*)$/s.exec(value) ?? [];
		if (inUrl === undefined && looksSecret(name, rest)) found.add(rest);
		return;
	}
	for (const [key, part] of partsOf(value)) collect(part, below(place, key), found);
}

function replace(value: unknown, place: Place, secrets: readonly string[]): unknown {
	if (typeof value === "string") {
		if (place.isVariable && value !== "" && secretName.test(place.name)) return removed;
		return secrets.reduce((text, secret) => text.replaceAll(secret, removed), value);
	}
	if (Array.isArray(value)) return value.map((part) => replace(part, place, secrets));
	if (typeof value !== "object" || value === null) return value;
	return Object.fromEntries(
		partsOf(value).map(([key, part]) => [key, replace(part, below(place, key), secrets)]),
	);
}

/** Where a value stands: only what a person named, a variable, is judged by its name. */
interface Place {
	readonly name: string;
	readonly isVariable: boolean;
}

const top: Place = { name: "", isVariable: false };
const variableMaps: ReadonlySet<string> = new Set(["environment", "args"]);

function below({ name }: Place, key: string): Place {
	return { name: key, isVariable: variableMaps.has(name) };
}

function partsOf(value: unknown): [string, unknown][] {
	return typeof value === "object" && value !== null ? Object.entries(value) : [];
}

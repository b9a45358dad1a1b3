/** What a foreign program answered, not yet known to be anything in particular. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function objectFrom(value: unknown, what: string): JsonObject {
	if (typeof value !== "object" || value === null || Array.isArray(value)) {
		throw new Error(`${what} should be an object, not ${JSON.stringify(value)}`);
	}
	// Every object that JSON.parse makes and that is no list is a record of unknown values.
	return value as JsonObject;
}

export function objectsFrom(value: unknown, what: string): JsonObject[] {
	if (!Array.isArray(value)) throw new Error(`${what} should be a list, not ${JSON.stringify(value)}`);
	return value.map((item: unknown) => objectFrom(item, `entry of ${what}`));
}

export function textAt(object: JsonObject, key: string): string {
	const value = object[key];
	if (typeof value !== "string") throw new Error(`"${key}" should be text in ${JSON.stringify(object)}`);
	return value;
}

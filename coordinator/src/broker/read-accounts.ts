import { readFileSync } from "node:fs";
import { OperationError } from "@davit/protocol";
import { z } from "zod";

const AccountsFile = z.object({ accounts: z.record(z.string(), z.string()) });

/**
 * The password of an account in the `accounts.json` that `davit broker-config` wrote; undefined where it has none of that name.
 * The file is read anew each time: it changes when a host is added.
 * @throws OperationError configuration-invalid where the file cannot be read
 */
export function readBrokerPassword(file: string, username: string): string | undefined {
	try {
		return AccountsFile.parse(JSON.parse(readFileSync(file, "utf8"))).accounts[username];
	} catch (error) {
		throw new OperationError("configuration-invalid", `the broker's accounts in ${file} cannot be read`, {
			cause: error,
			hint: "davit broker-config DIR writes them; name the file with davit start --broker-accounts FILE",
		});
	}
}

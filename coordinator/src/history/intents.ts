import type { HostName, Instant, PlanId, PrincipalName, Request, RequestId, Response } from "@davit/protocol";
import type { Database } from "./database.ts";
import type { AccountRecord, InvitationRecord, PlanRecord, ScheduleRecord } from "./records.ts";

/** What people and schedules want: requests, plans, schedules. */
export function intentsIn(database: Database) {
	return {
		saveRequest: (
			request: Request,
			answer: { id: RequestId; principal: PrincipalName; askedAt: Instant; response: Response },
		) =>
			database.run(
				"INSERT INTO requests VALUES (?, ?, ?, ?, ?)",
				answer.id,
				answer.principal,
				answer.askedAt,
				JSON.stringify(request),
				JSON.stringify(answer.response),
			),
		/** The answer that a request with this id was given. */
		response: (id: RequestId): Response | undefined => {
			const row = database.get("SELECT response FROM requests WHERE id = ?", id);
			// Only saveRequest writes this column.
			return row === undefined ? undefined : (JSON.parse(String(row["response"])) as Response);
		},
		savePlan: (record: PlanRecord) =>
			database.run("INSERT OR REPLACE INTO plans VALUES (?, ?)", record.plan, JSON.stringify(record)),
		plan: (plan: PlanId): PlanRecord | undefined => {
			const row = database.get("SELECT record FROM plans WHERE plan = ?", plan);
			// Only savePlan writes this column.
			return row === undefined ? undefined : (JSON.parse(String(row["record"])) as PlanRecord);
		},
		saveSchedule: (record: ScheduleRecord) =>
			database.run("INSERT OR REPLACE INTO schedules VALUES (?, ?)", record.name, JSON.stringify(record)),
		removeSchedule: (name: string) => database.run("DELETE FROM schedules WHERE name = ?", name),
		schedules: (): ScheduleRecord[] =>
			// Only saveSchedule writes this column.
			database
				.all("SELECT record FROM schedules ORDER BY name")
				.map((row) => JSON.parse(String(row["record"])) as ScheduleRecord),
	};
}

/** Who may connect to the broker, and who was invited to. */
export function accountsIn(database: Database) {
	return {
		save: (account: AccountRecord) =>
			database.run(
				"INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?)",
				account.username,
				JSON.stringify(account.role),
				account.passwordHash,
				account.madeAt,
			),
		find: (username: string): AccountRecord | undefined => {
			const row = database.get("SELECT * FROM accounts WHERE name = ?", username);
			if (row === undefined) return undefined;
			// Only save() writes this table.
			return {
				username: row["name"],
				role: JSON.parse(String(row["role"])),
				passwordHash: row["password_hash"],
				madeAt: row["made_at"],
			} as AccountRecord;
		},
		invite: (invitation: InvitationRecord) =>
			database.run(
				"INSERT INTO invitations VALUES (?, ?, ?, ?)",
				invitation.secretHash,
				invitation.host,
				invitation.expiresMs,
				invitation.usedAt,
			),
		/** Uses up the invitation; undefined where there is none that is valid at `nowMs`. */
		redeem: (secretHash: string, nowMs: number): HostName | undefined => {
			const row = database.get(
				`UPDATE invitations SET used_at = ? WHERE secret_hash = ? AND used_at IS NULL AND expires_ms > ? RETURNING host`,
				new Date(nowMs).toISOString(),
				secretHash,
				nowMs,
			);
			// Only invite() writes this column, from a HostName.
			return row === undefined ? undefined : (row["host"] as HostName);
		},
	};
}

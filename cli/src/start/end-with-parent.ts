// Loaded into each child before its own code: a child whose `davit start` was killed ends in order instead of living on alone.
const parent = process.ppid;

process.on("disconnect", () => {
	// At its own end a child closes the channel too; only a vanished parent leaves it with another one.
	if (process.ppid !== parent) process.kill(process.pid, "SIGTERM");
});
process.channel?.unref();

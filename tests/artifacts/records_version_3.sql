BEGIN TRANSACTION;
CREATE TABLE artifacts (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	digest VARCHAR(71) NOT NULL, 
	size BIGINT NOT NULL, 
	created VARCHAR(26) NOT NULL, 
	run INTEGER NOT NULL, 
	step_run INTEGER NOT NULL, 
	step VARCHAR NOT NULL, 
	keys TEXT NOT NULL, 
	attempt TEXT NOT NULL, 
	made_from TEXT NOT NULL, 
	summary TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run) REFERENCES runs (id), 
	FOREIGN KEY(step_run) REFERENCES step_runs (id)
);
INSERT INTO "artifacts" VALUES(1,'ratings','json','sha256:49a64717d5d4cb19952e6eac2946415cf6879adacf9908e7d872332d32c6e684',5,'2026-01-01 00:00:03.000000',1,1,'flow/load','[["market","US"]]','[1]','[]','{"items":2}');
CREATE TABLE commits (
	id INTEGER NOT NULL, 
	"key" VARCHAR(71) NOT NULL, 
	step_run INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (step_run), 
	FOREIGN KEY(step_run) REFERENCES step_runs (id)
);
INSERT INTO "commits" VALUES(1,'sha256:2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683',1);
CREATE TABLE holds (
	id INTEGER NOT NULL, 
	run INTEGER NOT NULL, 
	path VARCHAR NOT NULL, 
	keys TEXT NOT NULL, 
	attempt TEXT NOT NULL, 
	question TEXT NOT NULL, 
	asked VARCHAR(26) NOT NULL, 
	decided VARCHAR(26), 
	approved BOOLEAN, 
	"by" TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run) REFERENCES runs (id)
);
INSERT INTO "holds" VALUES(1,2,'flow/publish','[]','[]','publish it?','2026-01-01 00:00:07.000000',NULL,NULL,'');
CREATE TABLE ids (
	name VARCHAR(32) NOT NULL, 
	next BIGINT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "ids" VALUES('step_runs',3);
INSERT INTO "ids" VALUES('artifacts',2);
CREATE TABLE inline_values (
	digest VARCHAR(71) NOT NULL, 
	raw BLOB NOT NULL, 
	PRIMARY KEY (digest)
);
INSERT INTO "inline_values" VALUES('sha256:49a64717d5d4cb19952e6eac2946415cf6879adacf9908e7d872332d32c6e684',X'5B312C325D');
CREATE TABLE loops (
	id INTEGER NOT NULL, 
	run INTEGER NOT NULL, 
	path VARCHAR NOT NULL, 
	keys TEXT NOT NULL, 
	attempt TEXT NOT NULL, 
	total INTEGER NOT NULL, 
	started VARCHAR(26) NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (run, path, keys, attempt), 
	FOREIGN KEY(run) REFERENCES runs (id)
);
INSERT INTO "loops" VALUES(1,1,'flow/each','[]','[]',2,'2026-01-01 00:00:04.000000');
CREATE TABLE messages (
	id INTEGER NOT NULL, 
	run INTEGER NOT NULL, 
	step_run INTEGER, 
	time VARCHAR(26) NOT NULL, 
	level VARCHAR NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	text TEXT NOT NULL, 
	payload TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run) REFERENCES runs (id), 
	FOREIGN KEY(step_run) REFERENCES step_runs (id)
);
CREATE TABLE outputs (
	id INTEGER NOT NULL, 
	step_run INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	artifact INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (step_run, name), 
	FOREIGN KEY(step_run) REFERENCES step_runs (id), 
	FOREIGN KEY(artifact) REFERENCES artifacts (id)
);
INSERT INTO "outputs" VALUES(1,1,'ratings',1);
CREATE TABLE parents (
	artifact INTEGER NOT NULL, 
	parent INTEGER NOT NULL, 
	PRIMARY KEY (artifact, parent), 
	FOREIGN KEY(artifact) REFERENCES artifacts (id), 
	FOREIGN KEY(parent) REFERENCES artifacts (id)
);
CREATE TABLE runs (
	id INTEGER NOT NULL, 
	workflow VARCHAR NOT NULL, 
	settings TEXT NOT NULL, 
	"plan" TEXT NOT NULL, 
	backend VARCHAR NOT NULL, 
	tags TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	reason TEXT NOT NULL, 
	pid INTEGER NOT NULL, 
	host VARCHAR NOT NULL, 
	started VARCHAR(26) NOT NULL, 
	heartbeat VARCHAR(26) NOT NULL, 
	ended VARCHAR(26), 
	generation INTEGER DEFAULT '1' NOT NULL, 
	wanted VARCHAR(16) DEFAULT '' NOT NULL, 
	process FLOAT DEFAULT '0' NOT NULL, 
	machine VARCHAR DEFAULT '' NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES(1,'flow','{"train.rank":8}','{"workflow": "flow"}','local','{"user":"me"}','completed','',11913,'vm','2026-01-01 00:00:01.000000','2026-01-01 00:00:01.000000','2026-01-01 00:00:05.000000',1,'',1795880117.08,'535e40f4-0133-4025-b9c4-0fc05eb606b0/4026531836');
INSERT INTO "runs" VALUES(2,'flow','{}','{"workflow": "flow"}','prefect','{}','held','publish waits',11913,'vm','2026-01-01 00:00:06.000000','2026-01-01 00:00:08.000000',NULL,1,'',1795880117.08,'535e40f4-0133-4025-b9c4-0fc05eb606b0/4026531836');
CREATE TABLE schema_version (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "schema_version" VALUES(3);
CREATE TABLE step_runs (
	id INTEGER NOT NULL, 
	run INTEGER NOT NULL, 
	path VARCHAR NOT NULL, 
	step VARCHAR NOT NULL, 
	keys TEXT NOT NULL, 
	attempt TEXT NOT NULL, 
	settings TEXT NOT NULL, 
	"key" VARCHAR(71), 
	state VARCHAR(16) NOT NULL, 
	reason TEXT NOT NULL, 
	error TEXT, 
	tries INTEGER NOT NULL, 
	fraction FLOAT, 
	note TEXT NOT NULL, 
	started VARCHAR(26) NOT NULL, 
	ended VARCHAR(26), 
	generation INTEGER DEFAULT '1' NOT NULL, 
	superseded BOOLEAN DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run) REFERENCES runs (id)
);
INSERT INTO "step_runs" VALUES(1,1,'flow/load','load','[["market","US"]]','[1]','{"rank":8}','sha256:2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683','completed','ran',NULL,1,NULL,'','2026-01-01 00:00:02.000000','2026-01-01 00:00:03.000000',1,0);
INSERT INTO "step_runs" VALUES(2,2,'flow/publish','publish','[]','[]','{}',NULL,'held','publish it?',NULL,0,NULL,'','2026-01-01 00:00:07.000000',NULL,1,0);
CREATE TABLE workflows (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	flow TEXT NOT NULL, 
	folder TEXT NOT NULL, 
	"plan" TEXT NOT NULL, 
	facts TEXT NOT NULL, 
	changed VARCHAR(26) NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);
INSERT INTO "workflows" VALUES(1,'flow','flow.py','/jobs','{}','{}','2026-01-01 00:00:09.000000');
CREATE INDEX ix_runs_workflow ON runs (workflow);
CREATE INDEX step_runs_of_a_run ON step_runs (run, superseded, path, step, state, started, ended);
CREATE UNIQUE INDEX claims ON step_runs ("key") WHERE ended IS NULL AND "key" IS NOT NULL;
CREATE INDEX ix_holds_run ON holds (run);
CREATE INDEX ix_artifacts_name ON artifacts (name);
CREATE INDEX ix_artifacts_digest ON artifacts (digest);
CREATE INDEX artifacts_of_a_step ON artifacts (run, step);
CREATE INDEX ix_commits_key ON commits ("key");
CREATE INDEX messages_of_a_run ON messages (run, id);
CREATE INDEX ix_parents_parent ON parents (parent);
CREATE INDEX runs_listed ON runs (id, workflow, state, ended, tags);
COMMIT;

BEGIN TRANSACTION;
CREATE TABLE artifacts (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	digest VARCHAR(71) NOT NULL, 
	size BIGINT NOT NULL, 
	created DATETIME NOT NULL, 
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
INSERT INTO "artifacts" VALUES(2,'score','json','sha256:36c8615ef5660eb8fdf316dd1b832537b7370ed0356aaeb1fa5edbe7c5b62391',12,'2026-01-01 00:00:04.000000',1,1,'flow/load','[["market","US"]]','[1]','[1]','{"items":1,"keys":["ndcg"]}');
CREATE TABLE commits (
	id INTEGER NOT NULL, 
	"key" VARCHAR(71) NOT NULL, 
	step_run INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (step_run), 
	FOREIGN KEY(step_run) REFERENCES step_runs (id)
);
INSERT INTO "commits" VALUES(1,'sha256:2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683',1);
CREATE TABLE inline_values (
	digest VARCHAR(71) NOT NULL, 
	raw BLOB NOT NULL, 
	PRIMARY KEY (digest)
);
INSERT INTO "inline_values" VALUES('sha256:49a64717d5d4cb19952e6eac2946415cf6879adacf9908e7d872332d32c6e684',X'5B312C325D');
INSERT INTO "inline_values" VALUES('sha256:36c8615ef5660eb8fdf316dd1b832537b7370ed0356aaeb1fa5edbe7c5b62391',X'7B226E646367223A302E357D');
CREATE TABLE messages (
	id INTEGER NOT NULL, 
	run INTEGER NOT NULL, 
	step_run INTEGER, 
	time DATETIME NOT NULL, 
	level VARCHAR NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	text TEXT NOT NULL, 
	payload TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run) REFERENCES runs (id), 
	FOREIGN KEY(step_run) REFERENCES step_runs (id)
);
INSERT INTO "messages" VALUES(1,1,1,'2026-01-01 00:00:05.000000','info','metric','loss','{"values":{"loss":0.25}}');
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
INSERT INTO "outputs" VALUES(2,1,'score',2);
INSERT INTO "outputs" VALUES(3,2,'ratings',1);
INSERT INTO "outputs" VALUES(4,2,'score',2);
CREATE TABLE parents (
	artifact INTEGER NOT NULL, 
	parent INTEGER NOT NULL, 
	PRIMARY KEY (artifact, parent), 
	FOREIGN KEY(artifact) REFERENCES artifacts (id), 
	FOREIGN KEY(parent) REFERENCES artifacts (id)
);
INSERT INTO "parents" VALUES(2,1);
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
	started DATETIME NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	ended DATETIME, 
	PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES(1,'flow','{"train.rank":8}','{"plan": 1}','local','{"user":"me"}','completed','',4711,'machine','2026-01-01 00:00:01.000000','2026-01-01 00:00:07.000000','2026-01-01 00:00:07.000000');
INSERT INTO "runs" VALUES(2,'flow','{}','{"plan": 1}','prefect','{}','running','',4711,'machine','2026-01-01 00:00:08.000000','2026-01-01 00:00:16.000000',NULL);
CREATE TABLE schema_version (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "schema_version" VALUES(1);
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
	started DATETIME NOT NULL, 
	ended DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run) REFERENCES runs (id)
);
INSERT INTO "step_runs" VALUES(1,1,'flow/load','load','[["market","US"]]','[1]','{"rank":8}','sha256:2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683','completed','new',NULL,1,NULL,'','2026-01-01 00:00:02.000000','2026-01-01 00:00:06.000000');
INSERT INTO "step_runs" VALUES(2,2,'flow/load','load','[["market","US"]]','[1]','{"rank":8}','sha256:2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683','skipped','same code, settings and inputs as run 1',NULL,0,NULL,'','2026-01-01 00:00:09.000000','2026-01-01 00:00:09.000000');
INSERT INTO "step_runs" VALUES(3,2,'flow/late','late','[]','[]','{}',NULL,'cancelled','flow/load failed',NULL,0,NULL,'','2026-01-01 00:00:10.000000','2026-01-01 00:00:10.000000');
INSERT INTO "step_runs" VALUES(4,2,'flow/bad','bad','[]','[]','{}','sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa','failed','ValueError: no','ValueError: no
  trace',2,NULL,'','2026-01-01 00:00:11.000000','2026-01-01 00:00:12.000000');
INSERT INTO "step_runs" VALUES(5,2,'flow/twin','twin','[["i",1]]','[]','{}','sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa','running','new',NULL,1,NULL,'','2026-01-01 00:00:13.000000',NULL);
INSERT INTO "step_runs" VALUES(6,2,'flow/twin','twin','[["i",2]]','[]','{}','sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa','running','new',NULL,1,NULL,'','2026-01-01 00:00:14.000000',NULL);
INSERT INTO "step_runs" VALUES(7,2,'flow/try','try','[]','[]','{}',NULL,'retrying','tried again in 5 s','OSError: gone',1,0.5,'half','2026-01-01 00:00:15.000000',NULL);
CREATE INDEX ix_runs_workflow ON runs (workflow);
CREATE INDEX ix_step_runs_run ON step_runs (run);
CREATE INDEX ix_artifacts_name ON artifacts (name);
CREATE INDEX ix_artifacts_digest ON artifacts (digest);
CREATE INDEX artifacts_of_a_step ON artifacts (run, step);
CREATE INDEX ix_commits_key ON commits ("key");
CREATE INDEX messages_of_a_run ON messages (run, id);
CREATE INDEX ix_parents_parent ON parents (parent);
COMMIT;

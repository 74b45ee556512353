CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text UNIQUE NOT NULL, digest text NOT NULL);
INSERT INTO users (email, digest) VALUES ('operator@migrapanel.com', encode(sha256('lab-operator'), 'hex'));

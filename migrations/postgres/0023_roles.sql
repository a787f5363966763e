-- Roles: four that are built in, one above the other, and those that somebody makes, which inherit one role and add
-- permissions. `base` is the built-in role that a role comes to, and `grants` what it and those it inherits from add to
-- that, one after the other with spaces between: so what a user may do is read with the user. Names of roles that never
-- meant anything go. Kept in step with the SQLite file of the same name.

CREATE TABLE roles (
    name        TEXT    NOT NULL PRIMARY KEY CHECK (name <> '' AND name NOT LIKE '%,%' AND name NOT LIKE '% %'),
    inherits    TEXT    REFERENCES roles (name),
    -- JSON: the names of the permissions that it adds.
    permissions TEXT    NOT NULL,
    description TEXT    NOT NULL,
    built_in    BOOLEAN NOT NULL,
    base        TEXT    NOT NULL CHECK (base IN ('user', 'moderator', 'admin', 'owner')),
    grants      TEXT    NOT NULL CHECK (grants NOT LIKE '%,%'),
    created_at  BIGINT  NOT NULL
);

CREATE INDEX roles_by_inherits ON roles (inherits);

INSERT INTO roles (name, inherits, permissions, description, built_in, base, grants, created_at) VALUES
    ('user', NULL, '[]', 'Everybody.', TRUE, 'user', '', 0),
    ('moderator', 'user', '[]', 'Looks after users and their sessions.', TRUE, 'moderator', '', 0),
    ('admin', 'moderator', '[]', 'Runs the installation.', TRUE, 'admin', '', 0),
    ('owner', 'admin', '[]', 'Stands above those who run it; the last one stays.', TRUE, 'owner', '', 0);

DELETE FROM user_roles WHERE role NOT IN ('user', 'moderator', 'admin', 'owner');

ALTER TABLE user_roles ADD FOREIGN KEY (role) REFERENCES roles (name) ON DELETE CASCADE;

CREATE INDEX user_roles_by_role ON user_roles (role, user_id);

-- What was before and after, as JSON. Stays when addresses are wiped.
ALTER TABLE audit_log ADD COLUMN detail TEXT;

DROP TRIGGER audit_log_wipes_origins_only ON audit_log;

CREATE TRIGGER audit_log_wipes_origins_only BEFORE UPDATE ON audit_log
FOR EACH ROW WHEN (NOT (
    (NEW.id, NEW.at, NEW.user_id, NEW.actor_id, NEW.session_id, NEW.action, NEW.reason, NEW.detail)
    IS NOT DISTINCT FROM
    (OLD.id, OLD.at, OLD.user_id, OLD.actor_id, OLD.session_id, OLD.action, OLD.reason, OLD.detail)
    AND (NEW.client_reason IS NOT DISTINCT FROM OLD.client_reason OR NEW.client_reason IS NULL)
    AND NEW.ip = '' AND NEW.user_agent = ''
))
EXECUTE FUNCTION audit_log_is_append_only();

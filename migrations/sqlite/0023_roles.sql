-- Roles: four that are built in, one above the other, and those that somebody makes, which inherit one role and add
-- permissions. `base` is the built-in role that a role comes to, and `grants` what it and those it inherits from add to
-- that, one after the other with spaces between: so what a user may do is read with the user. Names of roles that never
-- meant anything go. Kept in step with the PostgreSQL file of the same name.

CREATE TABLE roles (
    name        TEXT    NOT NULL PRIMARY KEY CHECK (name <> '' AND name NOT LIKE '%,%' AND name NOT LIKE '% %'),
    inherits    TEXT    REFERENCES roles (name),
    -- JSON: the names of the permissions that it adds.
    permissions TEXT    NOT NULL,
    description TEXT    NOT NULL,
    built_in    INTEGER NOT NULL CHECK (built_in IN (0, 1)),
    base        TEXT    NOT NULL CHECK (base IN ('user', 'moderator', 'admin', 'owner')),
    grants      TEXT    NOT NULL CHECK (grants NOT LIKE '%,%'),
    created_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX roles_by_inherits ON roles (inherits);

INSERT INTO roles (name, inherits, permissions, description, built_in, base, grants, created_at) VALUES
    ('user', NULL, '[]', 'Everybody.', 1, 'user', '', 0),
    ('moderator', 'user', '[]', 'Looks after users and their sessions.', 1, 'moderator', '', 0),
    ('admin', 'moderator', '[]', 'Runs the installation.', 1, 'admin', '', 0),
    ('owner', 'admin', '[]', 'Stands above those who run it; the last one stays.', 1, 'owner', '', 0);

CREATE TABLE user_roles_with_roles (
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role    TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    PRIMARY KEY (user_id, role)
) STRICT;

INSERT INTO user_roles_with_roles (user_id, role)
SELECT user_id, role FROM user_roles WHERE role IN ('user', 'moderator', 'admin', 'owner');

DROP TABLE user_roles;

ALTER TABLE user_roles_with_roles RENAME TO user_roles;

CREATE INDEX user_roles_by_role ON user_roles (role, user_id);

-- What was before and after, as JSON. Stays when addresses are wiped.
ALTER TABLE audit_log ADD COLUMN detail TEXT;

DROP TRIGGER audit_log_wipes_origins_only;

CREATE TRIGGER audit_log_wipes_origins_only BEFORE UPDATE ON audit_log
WHEN NOT (
    NEW.id IS OLD.id AND NEW.at IS OLD.at AND NEW.user_id IS OLD.user_id AND NEW.actor_id IS OLD.actor_id
    AND NEW.session_id IS OLD.session_id AND NEW.action IS OLD.action AND NEW.reason IS OLD.reason
    AND NEW.detail IS OLD.detail
    AND (NEW.client_reason IS OLD.client_reason OR NEW.client_reason IS NULL)
    AND NEW.ip = '' AND NEW.user_agent = ''
)
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;

-- A booking claims all that it needs with the statement that writes it, or that statement fails and leaves nothing.
CREATE FUNCTION all_claimed(claimed bigint, wanted integer) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    IF claimed <> wanted THEN
        RAISE EXCEPTION '% of % resources were claimed', claimed, wanted USING ERRCODE = 'exclusion_violation';
    END IF;
    RETURN true;
END
$$;

-- A device that proves its TPM names its registration by its id alone (store/hardware.c, td_registration_tenant).
CREATE INDEX registration_id ON registration(id);

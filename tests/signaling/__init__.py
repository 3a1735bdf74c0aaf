"""What Data Plane Signaling demands of a control plane and of a data plane, played against Ferry in either role."""

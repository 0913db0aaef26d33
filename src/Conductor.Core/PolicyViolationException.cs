namespace Conductor;

/// <summary>A policy denied an action: POLICY_VIOLATION (the contract's PolicyViolationError).</summary>
public sealed class PolicyViolationException : ConductorException
{
    /// <summary>Makes the exception.</summary>
    /// <param name="policyName">The policy that denied.</param>
    /// <param name="reason">Why.</param>
    public PolicyViolationException(string policyName, string reason)
        : base(ErrorCodes.PolicyViolation, $"Policy '{policyName}' denied: {reason}")
    {
        PolicyName = policyName;
        Reason = reason;
    }

    /// <summary>The policy that denied.</summary>
    public string PolicyName { get; }

    /// <summary>Why.</summary>
    public string Reason { get; }
}

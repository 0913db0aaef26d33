namespace FailureHandling;

/// <summary>Takes money: an effect that must not happen twice for one parcel.</summary>
internal sealed class Till
{
    private int _charges;

    /// <summary>How often it charged somebody.</summary>
    public int Charges => _charges;

    /// <summary>Charges for a parcel.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The receipt's number.</returns>
    public Task<int> ChargeAsync(CancellationToken cancellationToken) => Task.FromResult(Interlocked.Increment(ref _charges));
}

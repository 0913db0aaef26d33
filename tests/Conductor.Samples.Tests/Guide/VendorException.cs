namespace Conductor.Samples.Tests.Guide;

internal sealed class VendorException(int status) : Exception($"The vendor said {status}.")
{
    public int Status => status;
}

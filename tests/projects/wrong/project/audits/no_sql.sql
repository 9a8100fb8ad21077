selec * from {{ this }}
